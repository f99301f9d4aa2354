import { ConfigError } from "../base/errors.ts";

/** Ends the process with exit code 1 and one line on standard error for each thing that is wrong. */
export function failWith(errors: Error | readonly Error[]): never {
  for (const error of Array.isArray(errors) ? errors : [errors]) process.stderr.write(`trestle: ${describe(error)}\n`);
  process.exit(1);
}

function describe(error: Error): string {
  if (error instanceof ConfigError) {
    const at = error.position;
    return at === undefined
      ? error.path === ""
        ? error.message
        : `${error.path}: ${error.message}`
      : `${at.file}:${at.line}:${at.column}: ${error.message}`;
  }
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (code === "EADDRINUSE")
    return `${address}:${port} is in use already; stop what listens there or choose another address`;
  if (code === "EADDRNOTAVAIL") return `${address} is no address of this machine`;
  if (code === "EACCES") return `no permission to listen on ${address}:${port}`;
  return error.message;
}
