/** Light or dark: as the system has it, until the visitor chooses. */
import type { Playground } from "../state/playground.ts";
import { byId } from "./dom.ts";

const KEY = "theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function chosen(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage may be forbidden
  }
}

export const startsDark = (): boolean => (chosen() ?? (system.matches ? "dark" : "light")) === "dark";

export const paintTheme = (dark: boolean): void => {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
};

export function theme(playground: Playground): void {
  const apply = (dark: boolean) => {
    paintTheme(dark);
    playground.setDark(dark);
  };
  system.addEventListener("change", () => chosen() ?? apply(system.matches));
  byId("theme").addEventListener("click", () => {
    const dark = !playground.store.state.dark;
    try {
      localStorage.setItem(KEY, dark ? "dark" : "light");
    } catch {
      // then it lasts as long as the page
    }
    apply(dark);
  });
}
