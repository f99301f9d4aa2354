import type { TlsOptions } from "node:tls";
import { type Relay, startRelay } from "../../support/relay.ts";
import { startImpostor } from "./impostor.ts";
import type { Address, Network } from "./registry.ts";

/** Networks and facades of one file stand beside each other; their second ports are 1,000 above the first ones. */
let portsTaken = 0;

/** A port for something to listen on, whose own second port, 1,000 above, is free as well. */
export function freePort(): number {
  return 20_000 + portsTaken++;
}

/** A network to each of the ports at `target` that are so much above its own; it listens on `host`. Impostors speak TLS where that is given. */
export async function startBadNetwork(
  host: string,
  target: Address,
  above: readonly number[] = [0],
  tls?: TlsOptions,
): Promise<Network> {
  const port = freePort();
  const relays = await Promise.all(above.map((more) => startRelay(host, port + more, target.host, target.port + more)));
  let impostors: readonly (() => Promise<void>)[] = [];
  const each = (act: (relay: Relay) => void) => () => relays.forEach(act);
  return {
    address: { host, port },
    blackHole: each((relay) => relay.blackHole()),
    reset: each((relay) => relay.reset()),
    resetAfter: (bytes) => relays.forEach((relay) => void relay.resetAfter(bytes)),
    async refuse() {
      await Promise.all(relays.map((relay) => relay.close()));
    },
    async heal() {
      await Promise.all(relays.map((relay) => relay.open()));
      for (const relay of relays) relay.heal();
    },
    async impersonate(impostor) {
      await Promise.all(relays.map((relay) => relay.close()));
      impostors = await Promise.all(above.map((more) => startImpostor(host, port + more, impostor, tls)));
    },
    async unmask() {
      await Promise.all(impostors.map((stop) => stop()));
      impostors = [];
      await Promise.all(relays.map((relay) => relay.open()));
    },
    async stop() {
      await Promise.all([...impostors.map((stop) => stop()), ...relays.map((relay) => relay.stop())]);
    },
  };
}
