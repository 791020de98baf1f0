"""Training on several processes with MPI: each takes its share of every batch, and the gradients are averaged.

It needs the extra ``mpi``. Start a program with ``mpiexec -n 4 python train.py``; see ``docs/distributed.md``.
"""

from autograd_cnn.distributed.batch_norm import SyncBatchNorm as SyncBatchNorm
from autograd_cnn.distributed.batch_norm import convert_sync_batchnorm as convert_sync_batchnorm
from autograd_cnn.distributed.compression import BFloat16 as BFloat16
from autograd_cnn.distributed.compression import Exact as Exact
from autograd_cnn.distributed.compression import TopK as TopK
from autograd_cnn.distributed.data_parallel import DataParallel as DataParallel
from autograd_cnn.distributed.group import ProcessGroup as ProcessGroup
from autograd_cnn.distributed.group import init as init
from autograd_cnn.spelling import announce as _announce

_announce(globals())
