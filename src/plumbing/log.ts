import { pino } from 'pino';

export type Fields = Readonly<Record<string, unknown>>;

/** A constant message with fields. Errors are returned upward and logged once, at the door. */
export interface Log {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  /** A log that adds `fields` to every line. */
  with(fields: Fields): Log;
}

const wrap = (to: ReturnType<typeof pino>): Log => ({
  debug: (message, fields = {}) => to.debug(fields, message),
  info: (message, fields = {}) => to.info(fields, message),
  warn: (message, fields = {}) => to.warn(fields, message),
  error: (message, fields = {}) => to.error(fields, message),
  with: (fields) => wrap(to.child(fields)),
});

/** JSON lines on standard error. `level` is debug, info, warn, error or silent. */
export const jsonLog = (level: string): Log =>
  wrap(pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2)));

/** For tests and for parts that were given nowhere to write. */
export const silentLog: Log = wrap(pino({ level: 'silent' }));
