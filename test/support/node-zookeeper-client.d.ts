// The part of npm's node-zookeeper-client 1.1.3 that the tests use; the package carries no types.
declare module "node-zookeeper-client" {
  export interface ClientError extends Error {
    readonly name: string;
    getCode?(): number;
  }
  export interface Stat {
    readonly ephemeralOwner: Buffer;
    readonly numChildren: number;
    readonly version: number;
  }
  export interface ZooKeeperEvent {
    getType(): number;
    getName(): string;
    getPath(): string;
  }
  type Watcher = (event: ZooKeeperEvent) => void;
  export interface Client {
    connect(): void;
    close(): void;
    addAuthInfo(scheme: string, auth: Buffer): void;
    once(event: "connected" | "disconnected" | "expired", listener: () => void): this;
    on(event: "connected" | "disconnected" | "expired", listener: () => void): this;
    getSessionId(): Buffer;
    getChildren(path: string, done: (error: ClientError | null, names: string[], stat: Stat) => void): void;
    getChildren(
      path: string,
      watcher: Watcher,
      done: (error: ClientError | null, names: string[], stat: Stat) => void,
    ): void;
    getData(path: string, done: (error: ClientError | null, bytes: Buffer | undefined, stat: Stat) => void): void;
    setData(path: string, bytes: Buffer, done: (error: ClientError | null) => void): void;
    exists(path: string, done: (error: ClientError | null, stat: Stat | null) => void): void;
    create(
      path: string,
      bytes: Buffer | null,
      mode: number,
      done: (error: ClientError | null, path: string) => void,
    ): void;
    mkdirp(path: string, done: (error: ClientError | null) => void): void;
    remove(path: string, done: (error: ClientError | null) => void): void;
  }
  export const CreateMode: { readonly PERSISTENT: number; readonly EPHEMERAL: number };
  export function createClient(
    address: string,
    options?: { sessionTimeout?: number; spinDelay?: number; retries?: number },
  ): Client;
}
