import type Joi from 'joi';
import type { Route } from './route.ts';

const ERROR = {
  type: 'object',
  properties: {
    error: {
      type: 'object',
      properties: {
        code: { type: 'string' },
        message: { type: 'string' },
        remedy: { type: 'string' },
      },
    },
  },
} as const;

const refusal = {
  description: 'refused, with the reason and the way out',
  content: { 'application/json': { schema: ERROR } },
} as const;

/** One member of the query, as OpenAPI describes it. */
function queryParameters(query: Joi.ObjectSchema | undefined): readonly object[] {
  const keys = (query?.describe().keys ?? {}) as Readonly<Record<string, Joi.Description>>;
  const schemas = query === undefined ? {} : (jsonSchemaOf(query).properties ?? {});
  return Object.entries(keys).map(([name, { flags }]) => ({
    name,
    in: 'query',
    description: (flags as { description?: string } | undefined)?.description ?? '',
    schema: schemas[name] ?? {},
  }));
}

/** Joi writes JSON Schema through the Standard Schema interface. */
const jsonSchemaOf = (schema: Joi.ObjectSchema): { properties?: Record<string, object> } =>
  (
    schema as unknown as {
      '~standard': { jsonSchema: { input(options: { target: string }): object } };
    }
  )['~standard'].jsonSchema.input({ target: 'draft-2020-12' });

const pathParameters = (path: string): readonly object[] =>
  [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));

const operation = ({ summary, path, query, takes }: Route): object => ({
  summary,
  parameters: [...pathParameters(path), ...queryParameters(query)],
  ...(takes !== undefined && {
    requestBody: { description: takes, required: true, content: { 'application/json': {} } },
  }),
  responses: { '200': { description: summary }, default: refusal },
});

/** The API in OpenAPI 3.1, from the routes themselves. */
export function openApiOf(routes: readonly Route[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method]: operation(route) };
  }
  return { openapi: '3.1.0', info: { title: 'Corral console', version: '1' }, paths };
}
