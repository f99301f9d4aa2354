import { readFile } from "node:fs/promises";

/** How often a file is looked at, ms. What it says must stay for two looks: editors write in steps. */
const POLL_MS = 500;

/** Calls `onChange` each time that a file's text has become another one; a file that is gone or can't be read is as it was. Stops by what it gives. */
export function followFile(path: string, onChange: () => void): () => void {
  let known: string | undefined;
  let seen: string | undefined;
  const look = async () => {
    const text = await readFile(path, "utf8").catch(() => known);
    known ??= text;
    if (text !== known && text === seen) {
      known = text;
      onChange();
    }
    seen = text;
  };
  let looking = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(look);
  }, POLL_MS);
  timer.unref();
  void look();
  return () => clearInterval(timer);
}
