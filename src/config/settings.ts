import Joi from 'joi';
import { agentSchema, type AgentSettings } from './agent.ts';
import { consoleSchema, type ConsoleSettings } from './console.ts';
import { fenceSchema, type FenceSettings } from './fence.ts';
import { gateSchema, type GateSettings } from './gate.ts';
import { ledgerSchema, type LedgerSettings } from './ledger.ts';
import { logSchema, type LogSettings } from './log.ts';
import { reportSchema, type ReportSettings } from './report.ts';
import { simSchema, type SimSettings } from './sim.ts';

export interface Settings {
  readonly gate: GateSettings;
  readonly fence: FenceSettings;
  readonly ledger: LedgerSettings;
  readonly agent: AgentSettings;
  readonly console: ConsoleSettings;
  readonly report: ReportSettings;
  readonly log: LogSettings;
  readonly sim: SimSettings;
}

/** Every section; what is not stated takes its default, unknown keys are faults. */
export const settingsSchema = Joi.object<Settings, true>({
  gate: gateSchema.default(),
  fence: fenceSchema.default(),
  ledger: ledgerSchema.default(),
  agent: agentSchema.default(),
  console: consoleSchema.default(),
  report: reportSchema.default(),
  log: logSchema.default(),
  sim: simSchema.default(),
});
