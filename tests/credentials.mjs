// Reads and validates the content credentials of PNG and JPEG files by c2pa-ts, an implementation of C2PA that shares no code with the
// one that writes them, and that follows no chain of trust. Each file must be valid as it is, and be found invalid when a byte of its
// picture is changed.
//
//     npm install --no-save @trustnxt/c2pa-ts@0.9.4
//     node tests/credentials.mjs FILE...
import { readFile } from 'node:fs/promises';
import { JPEG, PNG } from '@trustnxt/c2pa-ts/asset';
import { SuperBox } from '@trustnxt/c2pa-ts/jumbf';
import { ManifestStore } from '@trustnxt/c2pa-ts/manifest';

async function validated(bytes) {
    const format = [JPEG, PNG].find((format) => format.canRead(bytes));
    if (!format) throw new Error('is neither PNG nor JPEG');
    const asset = new format(bytes);
    const jumbf = asset.getManifestJUMBF();
    if (!jumbf) throw new Error('has no content credentials');
    return ManifestStore.read(SuperBox.fromBuffer(jumbf)).validate(asset);
}

const told = (result) => result.statusEntries.map(({ success, code }) => `  ${success ? 'ok ' : 'NOT'} ${code}`).join('\n');

const files = process.argv.slice(2);
let wrong = files.length === 0;
for (const file of files) {
    const bytes = new Uint8Array(await readFile(file));
    try {
        const whole = await validated(bytes);
        const changed = bytes.slice();
        // Near the end of both formats are the picture's own bytes.
        changed[changed.length - 32] ^= 0x55;
        const found = await validated(changed).then((result) => !result.isValid, () => true);
        wrong ||= !whole.isValid || !found;
        console.log(`${file}: ${whole.isValid ? 'valid' : 'NOT VALID'}; a change is ${found ? 'found' : 'NOT FOUND'}\n${told(whole)}`);
    } catch (error) {
        wrong = true;
        console.log(`${file}: ${error.message}`);
    }
}
process.exit(wrong ? 1 : 0);
