import Joi from 'joi';
import { BadMesosAnswer } from '../errors.ts';

interface WireMaster {
  readonly get_master: {
    readonly master_info: {
      readonly domain?: { readonly fault_domain?: { readonly region?: { readonly name: string } } };
    };
  };
}

const open = Joi.object().unknown();
const region = open.keys({ name: Joi.string().required() });
const domain = open.keys({ fault_domain: open.keys({ region }) });
const answerSchema = open.keys({
  get_master: open.keys({ master_info: open.keys({ domain }).required() }).required(),
});

/**
 * The region of the master, from the answer to GET_MASTER. Marathon takes offers of this region only,
 * unless an app names a region or a zone.
 *
 * @throws BadMesosAnswer
 * @see    Marathon: mesos/ResourceMatcher.scala, meetsFaultDomainRequirements
 */
export function readHomeRegion(answer: unknown): string | undefined {
  const { error } = answerSchema.validate(answer, { convert: false });
  if (error) throw new BadMesosAnswer('GET_MASTER', error.message);
  return (answer as WireMaster).get_master.master_info.domain?.fault_domain?.region?.name;
}
