import { appendCopy } from "../base/pieces.ts";
import type { ProxyContext } from "./context.ts";
import type { CompiledRoute, Mirror } from "./route.ts";

/** A request with more content than this has no copies, bytes. */
export const MAX_COPY_BYTES = 1024 * 1024;

/**
 * The copies of one request whose content comes in pieces: gathered while it passes, made once it is whole. What the caller waits for
 * does not wait for them.
 */
export class Copies {
  readonly #context: ProxyContext;
  readonly #make: (route: CompiledRoute, body: Buffer) => void;
  #routes: readonly CompiledRoute[];
  #pieces: Buffer[] = [];
  #bytes = 0;
  #room = 0;

  constructor(context: ProxyContext, mirrors: readonly Mirror[], make: (route: CompiledRoute, body: Buffer) => void) {
    this.#context = context;
    this.#make = make;
    this.#routes = context.mirrors.draw(mirrors, context.random);
  }

  /** Copies content. */
  take(bytes: Buffer): void {
    if (this.#routes.length === 0) return;
    const context = this.#context;
    this.#room = appendCopy(this.#pieces, bytes, this.#room);
    this.#bytes += bytes.length;
    context.exchangeBytes += bytes.length;
    if (this.#bytes > MAX_COPY_BYTES || context.exchangeBytes > context.limits.maxExchangeBytes / 2) this.drop();
  }

  /** The request is whole: its copies go. */
  end(): void {
    const routes = this.#routes;
    if (routes.length === 0) return;
    const body = Buffer.concat(this.#pieces);
    this.#forget();
    for (const route of routes) this.#make(route, body);
  }

  /** The request will not be whole: copies that were not made yet are not made. */
  drop(): void {
    if (this.#routes.length === 0) return;
    this.#context.mirrors.drop(this.#routes.length);
    this.#forget();
  }

  #forget(): void {
    this.#context.exchangeBytes -= this.#bytes;
    this.#routes = [];
    this.#pieces = [];
    this.#bytes = 0;
  }
}
