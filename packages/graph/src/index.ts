/** @packageDocumentation Symbolic tensors → ONNX → ONNX Runtime. */
export { createRuntime } from "#backend";
export { gradients, gradientsWithTables, type TableGradient } from "./autodiff.ts";
export * from "./dim.ts";
export { GraphError } from "./errors.ts";
export * from "./float16.ts";
export * from "./graph.ts";
export { type EmitOptions, emitModel } from "./onnx/emitter.ts";
export * from "./onnx/model.ts";
export { ProtobufWriter } from "./onnx/protobuf.ts";
export { quantizeRows } from "./passes/quantize-weight.ts";
export * from "./run/runtime.ts";
export { temporaryFolders } from "./run/temporary-folders.ts";
export { type ParameterSource, Scope } from "./scope.ts";
export { Tensor } from "./tensor.ts";
