import { setMaxListeners } from "node:events";

/** An abort controller whose signal any number of runs may wait for: of others Node warns from the eleventh listener on, as of a leak. */
export function createStop(): AbortController {
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  return stop;
}
