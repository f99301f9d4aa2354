import { connect, type Socket } from "node:net";
import { socketPlace } from "../../base/address.ts";
import type { CallerConnection } from "../caller-connection.ts";

/**
 * Carries the bytes of an accepted connection, `first` among them, to a provider and back as they are, at the pace of the slower side. Ends
 * both when one has ended; `onClosed` is called once, then.
 */
export function openPassage(
  accepted: Socket,
  first: Buffer,
  to: { readonly address: string; readonly port: number },
  timeoutMs: number,
  onClosed: () => void,
): CallerConnection {
  const provider = connect({ ...socketPlace(to.address, to.port), noDelay: true });
  const timer = setTimeout(() => provider.destroy(), timeoutMs);
  let isOver = false;
  const close = () => {
    clearTimeout(timer);
    provider.destroy();
    accepted.destroy();
    if (isOver) return;
    isOver = true;
    onClosed();
  };
  provider.once("connect", () => clearTimeout(timer));
  for (const socket of [provider, accepted]) {
    socket.on("error", () => {});
    socket.once("close", close);
  }
  provider.write(first);
  accepted.pipe(provider);
  provider.pipe(accepted);
  return {
    get backlogBytes() {
      return accepted.writableLength;
    },
    // Nobody can say so in words that are not read.
    leave() {},
    end() {
      provider.unpipe(accepted);
      accepted.end();
    },
    destroy: close,
    tick() {},
  };
}
