import { pino } from "pino";

/** Fields of a log line beside its text. Never put a secret here. */
export type LogFields = Readonly<Record<string, unknown>>;

/** What every part logs through; handed in as an argument, never global. */
export interface Logger {
  debug(text: string, fields?: LogFields): void;
  info(text: string, fields?: LogFields): void;
  warn(text: string, fields?: LogFields): void;
  error(text: string, fields?: LogFields): void;
  /** A logger whose every line also carries `fields`. */
  child(fields: LogFields): Logger;
}

/** Least severity that is written, from all lines to none. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** Logs JSON lines to standard error. */
export function createLogger(level: LogLevel = "info"): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return wrap(pino(options, pino.destination({ fd: 2, sync: true })));
}

/** Drops everything; for tests and libraries that were given no logger. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};

function wrap(sink: pino.Logger): Logger {
  return {
    debug: (text, fields) => sink.debug(fields ?? {}, text),
    info: (text, fields) => sink.info(fields ?? {}, text),
    warn: (text, fields) => sink.warn(fields ?? {}, text),
    error: (text, fields) => sink.error(fields ?? {}, text),
    child: (fields) => wrap(sink.child(fields)),
  };
}
