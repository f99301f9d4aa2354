import type { Timer } from "../../src/base/clock.ts";
import { ManualClock } from "../../src/base/clock.ts";
import {
  type ClientOut,
  ZooKeeperClientMachine,
  ZooKeeperServerMachine,
} from "../../src/codecs/zookeeper/connection.ts";
import { type Peer, Registry, type RegistryLimits } from "../../src/registry-sync/embedded/registry.ts";
import type { LinkOptions, ServerLink } from "../../src/registry-sync/sources/zookeeper/link.ts";

/** Limits of an embedded registry as tests want them; sessions live for 1 to 10 s. */
export const testLimits: RegistryLimits = {
  maxNodes: 1000,
  maxBytes: 1 << 20,
  maxSessions: 100,
  minTimeoutMs: 1000,
  maxTimeoutMs: 10_000,
  maxWatchesPerPeer: 1000,
  containerCheckMs: 60_000,
};

/** A registry whose clients are joined to it by machines alone, on a clock that a test turns. */
export class SimulatedRegistry {
  readonly clock = new ManualClock();
  registry: Registry;
  /** While false nobody can connect, and those who were connected are cut off. */
  #isUp = true;
  /** While true bytes vanish both ways. */
  isSwallowing = false;
  readonly #links = new Set<SimulatedLink>();

  constructor(limits: Partial<RegistryLimits> = {}) {
    this.registry = new Registry({ ...testLimits, ...limits }, this.clock.now(), (count) =>
      new Uint8Array(count).fill(7),
    );
  }

  /** For `SessionOptions.openLink`. */
  readonly openLink = (options: LinkOptions): ServerLink => {
    const link = new SimulatedLink(this, options, () => this.#links.delete(link));
    this.#links.add(link);
    if (!this.#isUp) this.clock.after(0, () => link.close("refused"));
    return link;
  };

  get isUp(): boolean {
    return this.#isUp;
  }

  set isUp(isUp: boolean) {
    this.#isUp = isUp;
    if (!isUp) for (const link of [...this.#links]) link.close("cut off");
  }

  /** Moves the time on in small steps, lets sessions expire, and lets promises run. */
  async advance(ms: number): Promise<void> {
    for (let left = ms; left >= 0; left -= 10) {
      this.clock.advance(Math.min(10, left));
      this.registry.tick(this.clock.now());
      await Promise.resolve();
    }
  }
}

class SimulatedLink implements ServerLink {
  readonly #home: SimulatedRegistry;
  readonly #options: LinkOptions;
  readonly #client: ZooKeeperClientMachine;
  readonly #server: ZooKeeperServerMachine;
  readonly #peer: Peer;
  readonly #forget: () => void;
  #timer: Timer | undefined;
  #isMoving = false;
  #isClosed = false;
  #isEnding = false;
  #hasSpoken = false;

  constructor(home: SimulatedRegistry, options: LinkOptions, forget: () => void) {
    this.#home = home;
    this.#options = options;
    this.#forget = forget;
    const nowMs = home.clock.now();
    const { connect, handshakeTimeoutMs, maxPacketBytes } = options;
    this.#client = new ZooKeeperClientMachine({ connect, handshakeTimeoutMs, maxPacketBytes, nowMs });
    this.#server = new ZooKeeperServerMachine({ maxPacketBytes: 0xfffff, handshakeTimeoutMs: 10_000, nowMs });
    this.#peer = {
      address: "10.0.0.1",
      send: (out) => {
        this.#hasSpoken = true;
        this.#server.send(out, home.clock.now());
        this.#moveSoon();
      },
      end: () => {
        this.#isEnding = true;
        this.#moveSoon();
      },
    };
    this.#moveSoon();
    this.#arm();
  }

  send(out: ClientOut): void {
    if (this.#isClosed) return;
    this.#client.send(out, this.#home.clock.now());
    this.#moveSoon();
  }

  close(reason: string, isSilent = false): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#home.registry.gone(this.#peer);
    this.#forget();
    this.#options.onClose({ reason, isSilent });
  }

  #moveSoon(): void {
    if (this.#isMoving) return;
    this.#isMoving = true;
    this.#home.clock.after(1, () => {
      this.#isMoving = false;
      if (!this.#isClosed && this.#home.isUp) this.#move();
    });
  }

  #move(): void {
    const nowMs = this.#home.clock.now();
    const up = this.#client.takeOutput();
    const isSwallowed = this.#home.isSwallowing;
    if (up.length > 0 && !isSwallowed) {
      for (const event of this.#server.receive(up, nowMs)) {
        if (event.type === "connect") this.#home.registry.connect(this.#peer, event.request, nowMs);
        else if (event.type === "request" || event.type === "malformed")
          this.#home.registry.handle(this.#peer, event, nowMs);
      }
    }
    const down = this.#server.takeOutput();
    if (down.length > 0 && !isSwallowed) {
      for (const event of this.#client.receive(down, nowMs)) this.#options.onEvent(event);
    }
    if (this.#isEnding) this.close("the server closed the connection", !this.#hasSpoken);
  }

  #arm(): void {
    if (this.#isClosed) return;
    const { clock } = this.#home;
    this.#timer = clock.after(Math.max(1, this.#client.deadline() - clock.now()), () => {
      for (const event of this.#client.tick(clock.now())) if (event.type === "lost") this.close(event.reason);
      this.#moveSoon();
      this.#arm();
    });
  }
}
