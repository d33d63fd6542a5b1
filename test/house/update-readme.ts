// Writes the generated parts of the README anew: `npm run docs`.

import { writeFileSync } from 'node:fs';
import { README_FILE, readReadme, withGeneratedParts } from './readme.ts';

const before = readReadme();
const after = withGeneratedParts(before);
if (after !== before) writeFileSync(README_FILE, after);
console.log(after === before ? 'README.md is up to date' : 'README.md was updated');
