import { ConfigError } from "../base/errors.ts";

/** Ends the process with exit code 1 and one line on standard error for each thing that is wrong. */
export function failWith(errors: Error | readonly Error[]): never {
  for (const error of Array.isArray(errors) ? errors : [errors]) {
    process.stderr.write(`trestle: ${describeFailure(error)}\n`);
  }
  process.exit(1);
}

/** One line about what failed; of an error that only a fault of ours can be, all that is known. */
export function describeFailure(error: Error): string {
  if (error instanceof ConfigError) {
    const { path, message, position: at } = error;
    const text = path === "" || message.includes(path) ? message : `${path}: ${message}`;
    return at === undefined ? text : `${at.file}:${at.line}:${at.column}: ${text}`;
  }
  const isOurs = error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
  return isOurs ? (error.stack ?? error.message) : error.message;
}

/** Why nobody can listen on an address, in the words of its error code, and what to do. */
export function describeListenFailure({ code, message }: NodeJS.ErrnoException, host: string, port: number): string {
  switch (code) {
    case "EADDRINUSE":
      return `port ${port} of ${host} is in use already; stop what listens there or choose another port`;
    case "EADDRNOTAVAIL":
      return `${host} is no address of this machine`;
    case "EACCES":
      return `no permission to listen on port ${port} of ${host}; ports below 1024 need it`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `the name ${host} has no address`;
    default:
      return `cannot listen on port ${port} of ${host}: ${message}`;
  }
}
