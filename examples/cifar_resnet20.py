"""ResNet-20 on CIFAR-10 as published: He et al. 2016, section 4.2, who report 0.9125 after 164 epochs.

    python cifar_resnet20.py --root ~/cifar10 --out runs/resnet20

downloads the dataset (170 MB) into ``--root`` if it is not there, and resumes an interrupted run.
"""

import argparse
from functools import partial
from pathlib import Path

from autograd_cnn import data, nn, optim, train

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--root", type=Path, required=True, help="the folder of the dataset")
parser.add_argument("--out", type=Path, default=Path("runs/resnet20"), help="the folder of the run")
parser.add_argument("--epochs", type=int, default=164)
parser.add_argument("--batch-size", type=int, default=128)
arguments = parser.parse_args()

dataset = data.cifar10(arguments.root, download=True)
model = nn.Sequential(
    {
        # The network normalises its input itself, so that it can be used on images as they are.
        "norm": nn.BatchNorm2d(3, affine=False),
        "net": nn.resnet20(rng=0),
    }
)
loader = data.Loader(
    *dataset.train,
    batch_size=arguments.batch_size,
    transform=data.compose(partial(data.random_shift, pixels=4), data.random_flip),
    workers=1,
)
optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
# The learning rate is divided by 10 after half and after three quarters of the batches.
batches = arguments.epochs * len(loader)
schedule = optim.MultiStepLR(optimizer, milestones=[batches // 2, 3 * batches // 4])


class Lines(train.Callback):
    """Prints a line for each epoch."""

    def on_epoch_end(self, _, epoch):
        """Print it."""
        print(f"epoch {epoch.epoch}  loss {epoch.loss:.3f}  held out {epoch.test_accuracy:.4f}  {epoch.seconds:.0f} s")


resumes = (arguments.out / "checkpoint.npz").is_file()
with train.RunFolder.open(arguments.out, resume=resumes) as folder:
    trainer = train.Trainer(model, optimizer, schedule, callbacks=[folder, Lines()])
    if resumes:
        trainer.restore(folder.newest_checkpoint()[0], loader)
    else:
        folder.begin({"model": "resnet20", "epochs": arguments.epochs}, model.state_dict())
    if len(trainer.history) < arguments.epochs:
        trainer.fit(loader, dataset.test, arguments.epochs - len(trainer.history))
print(f"test accuracy {trainer.history[-1].test_accuracy:.4f}")
