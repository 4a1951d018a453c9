import { readFileSync } from 'node:fs';
import process from 'node:process';
import type { WebhookSettings } from '../config/report.ts';
import { deliverTurn } from '../report/deliver.ts';
import { scheduleTurn } from '../report/schedule.ts';
import { type Loop, startLoop } from '../plumbing/loop.ts';
import type { GateParts } from './gate-parts.ts';
import { whileLeading } from './leading.ts';

/** The key of a webhook's signature; read again for each delivery, so that a new file is taken up. */
export function secretOf({ secretFile, secretEnv }: WebhookSettings): string | undefined {
  if (secretFile !== undefined) return readFileSync(secretFile, 'utf8').trim();
  if (secretEnv === undefined) return undefined;
  const secret = process.env[secretEnv];
  if (secret === undefined) throw new Error(`the variable ${secretEnv} is not set`);
  return secret;
}

/** Capacity reports: made by one gate at a time, and delivered by one, so that a slow webhook delays none. */
export function reportLoops(
  { settings: { report: settings }, store, clock, log, view }: GateParts,
  signal: AbortSignal,
): readonly Loop[] {
  if (settings.schedules.length === 0) return [];
  const election = { store, clock, log };
  const nodeFacts = () => view.snapshot.facts();
  const timing = { everyMs: 1_000, backoffMs: 1_000, backoffCapMs: 30_000, clock, log };
  const deliver = deliverTurn({
    ...{ ...election, settings, secretOf },
    steadyMs: () => performance.now(),
  });
  const delivering = startLoop(
    'report deliveries',
    whileLeading('report-deliveries', deliver, election, signal),
    { ...timing, deadlineMs: settings.webhookWithinMs + 30_000 },
  );
  const make = scheduleTurn({ ...election, settings, nodeFacts, onKept: () => delivering.wake() });
  const making = startLoop('reports', whileLeading('reports', make, election, signal), {
    ...timing,
    deadlineMs: 120_000,
  });
  return [making, delivering];
}
