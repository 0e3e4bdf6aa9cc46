/** WebGPU without a graphics card: Chromium's software adapter. Whether it answers depends on the machine. */
import type { Page } from "playwright-core";

export const SOFTWARE_GPU: readonly string[] = [
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-features=Vulkan",
  "--use-vulkan=swiftshader",
];

/** Whether WebGPU has an adapter in this page; says so where it has none. */
export async function hasAdapter(page: Page): Promise<boolean> {
  const found = await page.evaluate(async () => {
    const { gpu } = navigator as unknown as { gpu?: { requestAdapter(): Promise<object | null> } };
    return Boolean(await gpu?.requestAdapter());
  });
  if (!found) console.log("WebGPU is not tested: this Chromium offers no adapter, not even a software one");
  return found;
}
