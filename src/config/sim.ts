import Joi from 'joi';
import { count, type Listen, listenOn } from './kinds.ts';

export interface SimSettings {
  readonly nodes: number;
  readonly seed: number;
  readonly marathon: Listen;
  readonly mesos: Listen;
}

export const simSchema = Joi.object<SimSettings, true>({
  nodes: count({ from: 1, to: 10_000, otherwise: 6 }, 'nodes').description(
    'machines of the simulated cluster',
  ),
  seed: count({ from: 0, to: 4_294_967_295, otherwise: 1 }, 'seed').description(
    'the same seed plays the same story',
  ),
  marathon: listenOn(18_080, 'the simulated Marathon'),
  mesos: listenOn(15_050, 'the simulated Mesos master'),
});
