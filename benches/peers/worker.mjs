// Negatives by sharp, as its documentation shows it.

import { readFile, writeFile } from "node:fs/promises";
import { extname } from "node:path";
import { createInterface } from "node:readline";
import sharp from "sharp";

sharp.concurrency(1);
sharp.cache(false);

const name = `sharp ${sharp.versions.sharp}`;

// Alpha is left alone and metadata kept, which it does only when asked.
const negative = (file, kind, quality) => {
  const image = sharp(file, { animated: true }).negate({ alpha: false }).keepMetadata();
  return (kind === ".jpg" ? image.jpeg({ quality }) : kind === ".webp" ? image.webp({ quality }) : image).toBuffer();
};

const run = async ({ input, output, quality }) => {
  const file = await readFile(input);
  const begin = process.cpuUsage();
  try {
    const made = await negative(file, extname(input), quality);
    const { user, system } = process.cpuUsage(begin);
    await writeFile(output, made);
    return { ms: (user + system) / 1000 };
  } catch (error) {
    return { error: String(error.message).split("\n")[0] };
  }
};

console.log(JSON.stringify([name]));
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await run(JSON.parse(line))));
}
