import Joi from 'joi';

export interface LogSettings {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

export const logSchema = Joi.object<LogSettings, true>({
  level: Joi.string()
    .valid('debug', 'info', 'warn', 'error', 'silent')
    .default('info')
    .description('least serious message that is written, as a line of JSON on standard error'),
});
