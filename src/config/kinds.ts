import Joi from 'joi';

export interface Listen {
  readonly host: string;
  readonly port: number;
}

/** Range, default and unit of a number; both ends are allowed. */
interface Bounds {
  readonly from: number;
  readonly to: number;
  readonly otherwise: number;
}

const whole = ({ from, to, otherwise }: Bounds): Joi.NumberSchema =>
  Joi.number().integer().min(from).max(to).default(otherwise);

/** A duration, ms. */
export const milliseconds = (bounds: Bounds): Joi.NumberSchema => whole(bounds).unit('ms');
export const bytes = (bounds: Bounds): Joi.NumberSchema => whole(bounds).unit('bytes');
export const count = (bounds: Bounds, unit: string): Joi.NumberSchema => whole(bounds).unit(unit);

export const text = (): Joi.StringSchema => Joi.string().max(4096);

export const httpUrls = (): Joi.ArraySchema<string[]> =>
  Joi.array<string[]>()
    .items(Joi.string().uri({ scheme: ['http', 'https'] }))
    .default([]);

/** A socket to listen on. `what` completes "address ... listens on". */
export const listenOn = (port: number, what: string): Joi.ObjectSchema<Listen> =>
  Joi.object<Listen, true>({
    host: Joi.string()
      .hostname()
      .default('127.0.0.1')
      .description(`address ${what} listens on; 0.0.0.0 or :: for all`),
    port: Joi.number()
      .integer()
      .min(0)
      .max(65_535)
      .default(port)
      .unit('TCP port')
      .description(`port ${what} listens on; 0 takes any free one`),
  }).default();
