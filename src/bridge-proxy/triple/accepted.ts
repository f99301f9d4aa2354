import type { SocketDriver, SocketOwner } from "../socket-driver.ts";

/** A connection that was accepted, for whoever speaks its protocol. */
export interface AcceptedSocket {
  /** The caller's IP address. */
  readonly address: string;
  /** What it came by. */
  readonly scheme: "http" | "https";
  /** Its driver, which tells `owner` from now on. */
  drive(owner: SocketOwner): SocketDriver;
  /** To be told when `owner` has heard that the connection is gone and has let go of its calls. */
  gone(): void;
}
