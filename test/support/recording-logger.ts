import type { LogFields, Logger } from "../../src/base/log.ts";

/** One log line: level, text, fields (with those of the child logger). */
export type LogLine = readonly [level: string, text: string, fields: LogFields];

/** A logger that keeps its lines. */
export function recordingLogger(): { readonly logger: Logger; readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const make = (own: LogFields): Logger => {
    const at =
      (level: string) =>
      (text: string, fields: LogFields = {}) =>
        void lines.push([level, text, { ...own, ...fields }]);
    return {
      debug: at("debug"),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
      child: (more) => make({ ...own, ...more }),
    };
  };
  return { logger: make({}), lines };
}

/** Lets every promise that can go on go on. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
