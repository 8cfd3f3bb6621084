"""Kernels of this interpreter, kept apart from each other."""

import os
import signal
import sys
from contextlib import suppress
from typing import Any


def new_kernel(folder: str) -> Any:
    """Return the manager of a kernel that is not started yet.

    Parameters
    ----------
    folder : str
        A folder of this kernel alone, with a short path, for its sockets and connection file:
        kernels that share an IPC path take each other's messages ("Invalid Signature").

    Returns
    -------
    jupyter_client.AsyncKernelManager
    """
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    class ThisInterpreter(KernelSpecManager):
        """Whatever kernels are installed, the running interpreter is used."""

        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:  # noqa: ARG002
            return KernelSpec(
                argv=[
                    *(sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"),
                    # The current folder stays off sys.path, lest a checkout shadow the package.
                    "--IPKernelApp.ignore_cwd=True",
                ],
                display_name="Python 3",
                language="python",
            )

    return AsyncKernelManager(
        kernel_spec_manager=ThisInterpreter(),
        connection_file=f"{folder}/kernel.json",
        shutdown_wait_time=2.0,
        **({"transport": "ipc", "ip": f"{folder}/ipc"} if os.name == "posix" else {}),
    )


def kill(manager: Any) -> None:
    """Kill a kernel and what it started, if it still lives."""
    process = getattr(manager.provisioner, "process", None)
    if process is None:
        return
    with suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)  # kernels lead a process group of their own
        else:
            process.kill()
