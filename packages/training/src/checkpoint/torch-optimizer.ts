/**
 * An optimiser's state in PyTorch's own layout, so that a run can go on under torch and come back: `optimizer.pt` is
 * `torch.save(optimizer.state_dict())` of a torch.optim.AdamW, `scheduler.pt` the state dict of a LambdaLR.
 *
 * torch knows parameters by number, counted through the groups. The numbers mean the same on both sides when groups
 * list their parameters in the same order: that of the model's `named_parameters()`.
 */
import { PickleTuple, type TorchValue } from "universal-audio-tokenizer/internal";
import type { AdamW } from "../optimizer/adamw.ts";
import { storedTensor } from "./stored-weights.ts";

/**
 * The state dict of a torch.optim.AdamW with these groups.
 * @param baseRates each group's learning rate before its schedule (torch: initial_lr), by group name.
 */
export function torchOptimizerState(optimizer: AdamW, baseRates: Readonly<Record<string, number>>): TorchValue {
  const { steps } = optimizer.counts();
  const state = new Map<number, TorchValue>();
  let index = 0;
  const groups = optimizer.groups.map((group): TorchValue => {
    const { learningRate, betas, epsilon, weightDecay } = optimizer.settings(group);
    const params = group.parameters.map((name) => {
      // a parameter that never had a gradient has no state in torch either
      const step = steps[name] as number;
      const { shape } = optimizer.firstMoments.entry(name);
      if (step > 0)
        state.set(index, {
          step: storedTensor(name, [], Float32Array.of(step), "fp32"),
          exp_avg: storedTensor(name, shape, optimizer.firstMoments.view(name), "fp32"),
          exp_avg_sq: storedTensor(name, shape, optimizer.secondMoments.view(name), "fp32"),
        });
      return index++;
    });
    return {
      name: group.name,
      lr: learningRate,
      betas: new PickleTuple(betas),
      eps: epsilon,
      weight_decay: weightDecay,
      amsgrad: false,
      foreach: null,
      maximize: false,
      capturable: false,
      differentiable: false,
      fused: null,
      initial_lr: baseRates[group.name] ?? learningRate,
      params,
    };
  });
  return { state, param_groups: groups };
}

/** The state dict of a torch LambdaLR over that optimiser; its functions are the reader's own. */
export function torchSchedulerState(optimizer: AdamW, baseRates: Readonly<Record<string, number>>): TorchValue {
  const rates = optimizer.groups.map((group) => optimizer.settings(group).learningRate);
  return {
    base_lrs: optimizer.groups.map((group, i) => baseRates[group.name] ?? (rates[i] as number)),
    last_epoch: optimizer.updates,
    _step_count: optimizer.updates + 1,
    _get_lr_called_within_step: false,
    _last_lr: rates,
    lr_lambdas: optimizer.groups.map(() => null),
  };
}
