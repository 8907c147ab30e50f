"""The peers' side of `make bench-queue`: each library in an environment and in processes of its own.

    prepare(folder)
    for peer in PEERS:
        print(measure(peer.name, peer.broker, folder, redis_url, amqp_url, jobs=5000, latency_jobs=1000))

`driving.py` and the `*_peer.py` run in the peers' environments, by their file names; the rest runs here.
"""

from .environments import prepare
from .harness import PeerFigures, measure
from .peers import PEERS, Peer

__all__ = ["PEERS", "Peer", "PeerFigures", "measure", "prepare"]
