import type { IKeyValue } from 'etcd3';
import type { Entry } from '../store.ts';

/** Where commits leave their marks: `<lease of the client>/<slot>`. Outside all that is followed. */
export const MARKS = '/corral/marks/';

export const bytesOf = (text: string): Buffer => Buffer.from(text, 'utf8');

/** The first key after all keys with this prefix; a zero byte stands for "no end". */
export function endOf(prefix: string): Buffer {
  const end = bytesOf(prefix);
  for (let place = end.length - 1; place >= 0; place -= 1) {
    const byte = end[place] ?? 0xff;
    if (byte === 0xff) continue;
    end[place] = byte + 1;
    return end.subarray(0, place + 1);
  }
  return Buffer.from([0]);
}

/** The first key after `key`. */
export const successorOf = (key: string): Buffer => Buffer.concat([bytesOf(key), Buffer.from([0])]);

export const entryOf = (kv: IKeyValue): Entry => ({
  key: kv.key.toString('utf8'),
  value: kv.value.toString('utf8'),
  revision: Number(kv.mod_revision),
  created: Number(kv.create_revision),
});
