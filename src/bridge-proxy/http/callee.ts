import type { CalleePort, ProviderPort, ProxyContext } from "../context.ts";
import { failCallsOf, moveCallsOf } from "../pending.ts";
import type { UpstreamTls } from "../tls/upstream.ts";
import { type InLine, Line } from "../triple/line.ts";
import type { ConnectionOwner, UpstreamConnection } from "../upstream/host.ts";
import type { PoolRules } from "../upstream/pool-rules.ts";
import { HttpLink, type LinkOwner } from "./link.ts";

/** A call that asks for a connection. */
export interface LinkCall extends InLine {
  /** One is free: to be used at once. */
  onLink(link: HttpLink): void;
  /** None could be made. */
  onNoLink(message: string): void;
  /** It may not wait for one: as many calls do as may. */
  onOverflow(message: string): void;
}

/** Most connections to one provider; calls beyond wait for one. */
const MAX_LINKS = 1_024;

/**
 * All connections to one HTTP/1.1 provider, each for one call at a time: made when none is free, kept for a while when they are. It
 * counts as one connection of its host, which is ready once one was made, and closed when none can be made any more.
 */
export class HttpCallee implements CalleePort, UpstreamConnection, LinkOwner {
  readonly host: ProviderPort;
  readonly address: string;
  readonly port: number;
  readonly tls: UpstreamTls | undefined;
  readonly pool: PoolRules | undefined;
  firstCall = -1;
  ready = false;
  readonly #context: ProxyContext;
  readonly #owner: ConnectionOwner;
  readonly #links = new Set<HttpLink>();
  /** Last freed, first used: those that are not needed get old. */
  #free: HttpLink[] = [];
  readonly #line: Line<LinkCall>;
  #connecting = 0;
  #endWhenIdle = false;
  #closed = false;

  constructor(context: ProxyContext, host: ProviderPort, owner: ConnectionOwner) {
    this.#context = context;
    this.host = host;
    this.address = host.address;
    this.port = host.port;
    this.tls = host.tls;
    this.pool = host.pool;
    this.#line = new Line(host.pool?.budget);
    this.#owner = owner;
    this.#open();
  }

  /** Always 0: who waits, waits in line. */
  get backlogBytes(): number {
    return 0;
  }

  get ended(): boolean {
    return this.#closed;
  }

  /** Connections now, those that are being made included. */
  get linkCount(): number {
    return this.#links.size;
  }

  /** Calls `call.onLink` as soon as a connection is free, at once where one is; `fresh`: those that were free before do not count. */
  enter(call: LinkCall, fresh = false): void {
    const link = fresh ? undefined : this.#free.pop();
    if (link !== undefined) {
      call.onLink(link);
      return;
    }
    const overPending = this.pool?.budget.overPending;
    const opens = this.#connecting <= this.#line.size && this.#mayOpen();
    // A call that a connection is made for is not refused.
    if (overPending !== undefined && !opens) {
      call.onOverflow(overPending);
      return;
    }
    this.#line.add(call);
    if (opens) this.#open();
  }

  /** Takes a call out of the line. */
  leave(call: LinkCall): void {
    this.#line.delete(call);
  }

  onConnected(link: HttpLink): void {
    this.#connecting--;
    if (!this.ready) {
      this.ready = true;
      this.#owner.onReady();
    }
    this.onFree(link);
  }

  onSlow(): void {
    moveCallsOf(this.#context, this, `connecting to ${this.address}:${this.port} takes too long`);
  }

  onFree(link: HttpLink): void {
    const call = this.#line.first(() => true);
    if (call !== undefined) {
      this.#line.delete(call);
      call.onLink(link);
    } else if (this.#endWhenIdle) link.driver.destroy();
    else this.#free.push(link);
  }

  onClosed(link: HttpLink, why: string): void {
    this.#links.delete(link);
    const at = this.#free.indexOf(link);
    if (at >= 0) this.#free.splice(at, 1);
    if (!link.connected) this.#onFailed(why);
    else if (this.#line.size > this.#connecting && this.#mayOpen()) this.#open();
    this.#endIfIdle();
  }

  endWhenIdle(): void {
    this.#endWhenIdle = true;
    for (const link of this.#free.splice(0)) link.driver.destroy();
    this.#endIfIdle();
  }

  endAfterNext(): void {
    this.#endWhenIdle = true;
  }

  destroy(): void {
    for (const link of [...this.#links]) link.driver.destroy();
    this.#close(false);
  }

  /** Ends connections that were not used for a while; those that stay keep no memory of a large request. */
  tick(): void {
    for (const link of this.#free) link.trim();
    for (const link of this.#free.filter((one) => one.isStale)) {
      this.#free.splice(this.#free.indexOf(link), 1);
      link.driver.destroy();
    }
  }

  /** One of a provider's own is there for the asking; more as far as its cluster may have them. */
  #mayOpen(): boolean {
    return this.#links.size === 0 || (this.#links.size < MAX_LINKS && this.pool?.budget.isFull !== true);
  }

  #open(): void {
    this.#connecting++;
    this.#links.add(new HttpLink(this.#context, this));
  }

  /** A call fails for each connection that could not be made; all that wait, where there is none that they could wait for. */
  #onFailed(why: string): void {
    this.#connecting--;
    this.#context.counters.upstreamConnectFailures++;
    const message = `no connection to ${this.address}:${this.port}: ${why || "connection closed"}`;
    if (this.#links.size === 0) {
      this.#close(false);
      failCallsOf(this.#context, this, "connect_failure", message);
      return;
    }
    const call = this.#line.first(() => true);
    if (call === undefined) return;
    this.#line.delete(call);
    call.onNoLink(message);
  }

  #endIfIdle(): void {
    if (this.#endWhenIdle && this.#links.size === 0 && this.#line.size === 0) this.#close(true);
  }

  #close(wasReady: boolean): void {
    if (this.#closed) return;
    this.#closed = true;
    this.ready = false;
    this.#owner.onClosed(wasReady);
  }
}
