import {
  Compacted,
  HoldingLost,
  LedgerClosed,
  LedgerMisuse,
  LedgerRefused,
  TooManyOperations,
  ValueTooLarge,
} from '../errors.ts';
import type { FaultFrame } from './frames.ts';

/** The ledger's errors, as they cross the socket. What is not among them crosses as a refusal. */
export function toFrame(fault: unknown): FaultFrame {
  if (fault instanceof Compacted) return { code: fault.code, with: [fault.revision] };
  if (fault instanceof HoldingLost) return { code: fault.code, with: [fault.id] };
  if (fault instanceof LedgerMisuse) return { code: fault.code, with: [fault.fault] };
  if (fault instanceof LedgerClosed) return { code: fault.code, with: [] };
  if (fault instanceof TooManyOperations)
    return { code: fault.code, with: [fault.count, fault.most] };
  if (fault instanceof ValueTooLarge)
    return { code: fault.code, with: [fault.key, fault.bytes, fault.most] };
  return { code: 'ledger-refused', with: [fault instanceof Error ? fault.message : String(fault)] };
}

const FAULTS: Readonly<Record<string, (given: readonly unknown[], what: string) => Error>> = {
  'ledger-compacted': ([revision]) => new Compacted(Number(revision)),
  'holding-lost': ([id]) => new HoldingLost(String(id)),
  'ledger-misuse': ([fault]) => new LedgerMisuse(String(fault)),
  'ledger-closed': () => new LedgerClosed(),
  'too-many-operations': ([count, most]) => new TooManyOperations(Number(count), Number(most)),
  'value-too-large': ([key, bytes, most]) =>
    new ValueTooLarge(String(key), Number(bytes), Number(most)),
};

/** @param what the call that was answered so */
export const fromFrame = (frame: FaultFrame, what: string): Error =>
  FAULTS[frame.code]?.(frame.with, what) ?? new LedgerRefused(what, String(frame.with[0]));
