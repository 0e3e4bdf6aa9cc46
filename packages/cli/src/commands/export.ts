/** `uat export`: a model as ONNX files. */
import { Command } from "commander";
import { dtypeOption, revisionOption } from "../options.ts";

export const exportCommand = (): Command =>
  new Command("export")
    .description("Write a model's graphs as .onnx files, named as transformers.js names them.")
    .argument("<model>", "base, a model directory or a hub id")
    .requiredOption("-o, --out <directory>", "where onnx/ and the configurations go")
    .addOption(revisionOption())
    .addOption(dtypeOption())
    .addHelpText(
      "after",
      `
Files: onnx/encoder_model.onnx (input_features, attention_mask → audio_codes, distances; encoder_model_quantized.onnx
with --dtype q8); of a flow decoder onnx/decoder_model.onnx (tokens → mel condition), decoder_step_model.onnx (one
Euler step), vocoder_f0_model.onnx and vocoder_model.onnx. Weights of more than 512 MiB lie in NAME.onnx_data.

Examples:
  $ uat export base --out exported
  $ uat export ./my-model --dtype q8 --out exported`,
    )
    .action(async (model: string, _options, command: Command) => {
      const { exportFiles } = await import("../actions/export.ts");
      await exportFiles(model, command);
    });
