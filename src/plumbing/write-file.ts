import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Puts a whole file in place of what was there, if anything: readers see the old one or the new one, and
 * after a power cut one of the two is there. The directory must exist.
 *
 * @param aside  name of the file that is written first, beside it; left over from a crash, it is written over
 * @param mode   permissions of the file, default 0644
 * @throws Error of the file system, and then what was there is still there
 */
export async function replaceFile(
  path: string,
  content: string,
  { aside = `${path}.new`, mode = 0o644 }: { readonly aside?: string; readonly mode?: number } = {},
): Promise<void> {
  const file = await open(aside, 'w', mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } catch (fault) {
    await file.close();
    await rm(aside, { force: true });
    throw fault;
  }
  await file.close();
  await rename(aside, path);
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
