import { Counter, collectDefaultMetrics, type Registry } from 'prom-client';
import type { VerdictRecord } from '../core/verdict-record.ts';

/** Counts verdicts by answer, and watches the process itself. */
export function verdictMetrics(registry: Registry): (record: VerdictRecord) => void {
  collectDefaultMetrics({ register: registry });
  const verdicts = new Counter({
    name: 'corral_verdicts_total',
    help: 'changes judged, by answer',
    labelNames: ['answer'],
    registers: [registry],
  });
  return ({ answer }) => verdicts.inc({ answer });
}
