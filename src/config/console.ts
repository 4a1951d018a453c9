import Joi from 'joi';
import { bytes, type Listen, listenOn, milliseconds } from './kinds.ts';

export interface ConsoleSettings {
  readonly listen: Listen;
  /** Names that browsers may use for the console beside localhost. */
  readonly names: string[];
  readonly maxBodyBytes: number;
  readonly withinMs: number;
}

export const consoleSchema = Joi.object<ConsoleSettings, true>({
  listen: listenOn(8090, 'the console'),
  names: Joi.array()
    .items(Joi.string().hostname())
    .default([])
    .description('host names by which the console may be called, beside localhost'),
  maxBodyBytes: bytes({ from: 1_024, to: 67_108_864, otherwise: 4_194_304 }).description(
    'largest definition that POST /v1/plan takes',
  ),
  withinMs: milliseconds({ from: 50, to: 60_000, otherwise: 5_000 }).description(
    'longest the console works on one answer',
  ),
});
