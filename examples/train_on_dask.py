"""Train on Dask workers, each on its own share of the images, with gradients averaged by MPI.

dask-mpi starts all processes in one MPI job: rank 0 is Dask's scheduler, rank 1 runs this program, and the others are
workers. A group of the workers' ranks is all that `DataParallel` needs.

    python -m pip install "autograd-cnn[fast,mpi]" dask-mpi
    mpiexec -n 4 python examples/train_on_dask.py
"""

from dask.distributed import Client
from dask_mpi import initialize
from mpi4py import MPI

import autograd_cnn as ag
from autograd_cnn import data, distributed, nn, optim


def rank_of_worker():
    """Return the number of this process in the MPI job."""
    return MPI.COMM_WORLD.rank


def fit(images, labels, ranks, epochs=20):
    """Train on this worker's images, together with the workers of the other ranks, which also call this function."""
    workers = MPI.COMM_WORLD.group.Incl(ranks)
    group = distributed.ProcessGroup(MPI.COMM_WORLD.Create_group(workers))
    model = nn.digits_net(rng=0)
    parallel = distributed.DataParallel(model, group)
    optimizer = optim.AdamW(model.parameters(), lr=0.002)

    @ag.compile
    def step(x, y):
        optimizer.zero_grad()
        nn.cross_entropy(model(x), y).backward()
        optimizer.step()

    for _ in range(epochs):
        for x, y in data.Loader(images, labels, batch_size=32 // group.size, seed=group.rank):
            step(x, y)
    parallel.broadcast_buffers()
    return model.state_dict()


def main():
    """Give each worker its share of the images, and run the same function on all."""
    (images, labels), (test_images, test_labels) = data.digits()
    with Client() as client:  # dask-mpi has set the scheduler's address
        ranks = client.run(rank_of_worker)  # keyed by the worker's address
        share = len(images) // len(ranks)  # the same for each, so that all take the same number of steps
        jobs = []
        for i, worker in enumerate(ranks):
            mine = slice(i * share, (i + 1) * share)
            held = client.scatter([images[mine], labels[mine]], workers=worker)
            jobs.append(client.submit(fit, *held, sorted(ranks.values()), workers=worker))
        states = client.gather(jobs)  # all the same
    model = nn.digits_net()
    model.load_state_dict(states[0])
    accuracy = (model.eval()(test_images).numpy().argmax(axis=1) == test_labels).mean()
    print(f"{len(ranks)} workers: {accuracy:.4f} of the images held out are right")


if __name__ == "__main__":
    initialize(nthreads=1, nanny=False)
    main()
