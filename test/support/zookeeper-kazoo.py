"""Asks a server for all that kazoo can ask and prints what it is told: run as `zookeeper-kazoo.py HOST:PORT`."""
import sys
import time

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException
from kazoo.recipe.lock import Lock
from kazoo.security import make_acl, make_digest_acl

client = KazooClient(hosts=sys.argv[1], timeout=5.0)
client.start()
other = KazooClient(hosts=sys.argv[1], timeout=5.0)
other.start()


def shown(value):
    if hasattr(value, "numChildren"):
        return "stat v%d cv%d av%d n%d l%d e%d" % (
            value.version, value.cversion, value.aversion, value.numChildren, value.dataLength, value.ephemeralOwner != 0)
    if isinstance(value, tuple):
        return tuple(shown(part) for part in value)
    if isinstance(value, list):
        return sorted((type(part).__name__ if isinstance(part, Exception) else str(shown(part))) for part in value)
    return value


def say(name, call, *args, **kwargs):
    try:
        print(name, shown(call(*args, **kwargs)), flush=True)
    except KazooException as error:
        print(name, type(error).__name__, flush=True)


events = []


# Events come on another thread: written down here, printed at the end.
def told(event):
    events.append("told %s %s" % (event.type, event.path))


say("create", client.create, "/k", b"one")
say("again", client.create, "/k", b"again")
say("include", client.create, "/k/include", b"\x00\xff", include_data=True)
say("ephemeral", client.create, "/k/e", b"", ephemeral=True)
say("below ephemeral", client.create, "/k/e/x", b"")
say("sequence", client.create, "/k/s-", b"x", sequence=True)
say("both", client.create, "/k/es-", b"x", sequence=True, ephemeral=True)
say("unicode", client.create, "/k/\u00e9\u4e2d", b"x" * 300)
say("emoji", client.create, "/k/\U0001f600", b"x")
say("get", client.get, "/k", watch=told)
say("children", client.get_children, "/k", watch=told)
say("children2", client.get_children, "/k", include_data=True)
say("exists", client.exists, "/k/missing", watch=told)
say("set", client.set, "/k", b"two")
say("set bad", client.set, "/k", b"three", version=99)
say("missing", client.create, "/k/missing", b"")
time.sleep(0.2)
say("acls", client.get_acls, "/k")
say("set acls", client.set_acls, "/k/include", [make_digest_acl("bob", "secret", all=True), make_acl("ip", "127.0.0.1", read=True)])
say("nowhere", client.get, "/k/nowhere")
say("sync", client.sync, "/k")
good = client.transaction()
good.create("/k/t", b"t")
good.set_data("/k/t", b"u")
good.check("/k/t", 1)
good.delete("/k/t")
say("transaction", good.commit)
bad = client.transaction()
bad.create("/k/t", b"t")
bad.check("/k", 77)
bad.delete("/k/e")
say("bad transaction", bad.commit)
say("no auth", other.set, "/k/include", b"z")
say("auth", other.add_auth, "digest", "bob:secret")
say("auth set", other.set, "/k/include", b"z")
lock = Lock(client, "/k/lock")
say("lock", lock.acquire, timeout=5)
say("lock again", Lock(other, "/k/lock").acquire, blocking=False)
lock.release()
say("lock freed", Lock(other, "/k/lock").acquire, timeout=5)
other.stop()
other.close()
say("after close", client.get_children, "/k/lock")
say("remove", client.delete, "/k", recursive=True)
say("gone", client.exists, "/k")
print("\n".join(sorted(events)))
client.stop()
client.close()
