import Joi from 'joi';
import { TIMES_KEPT } from '../core/failure-record.ts';
import { count, milliseconds, text } from './kinds.ts';

/** When an app whose launches fail is held. */
export interface BrakeSettings {
  readonly mode: 'on' | 'off';
  readonly failures: number;
  readonly withinMs: number;
  readonly cycles: number;
  readonly priorityLabel: string;
}

export const brakeSchema = Joi.object<BrakeSettings, true>({
  mode: Joi.string()
    .valid('on', 'off')
    .default('on')
    .description('hold apps whose launches fail again and again for lack of room'),
  failures: count({ from: 1, to: TIMES_KEPT, otherwise: 3 }, 'launches').description(
    'failed launches of one app that are a loop',
  ),
  withinMs: milliseconds({ from: 1_000, to: 600_000, otherwise: 60_000 }).description(
    'time within which they are counted',
  ),
  cycles: count({ from: 1, to: 100, otherwise: 2 }, 'times').description(
    'how often a held app may grow in vain before it is left to an operator',
  ),
  priorityLabel: text()
    .min(1)
    .default('CORRAL_PRIORITY')
    .description(
      'label with a whole number; of apps held in the same minute the higher grow first',
    ),
}).default();
