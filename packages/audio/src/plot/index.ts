/** Pictures of audio, for Node (`@uat/audio/plot`): a canvas with a font, colours of loudness and of codes, PNG. */
export { Canvas, type Color } from "./canvas.ts";
export { codeColor, heat } from "./colors.ts";
export { drawText, type TextStyle, textWidth } from "./font.ts";
export { MelColumns } from "./mel-columns.ts";
export { encodePng } from "./png.ts";
