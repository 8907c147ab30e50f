"""Metrics of this machine, read at each scrape: disk, versions, and graphics processors where there are any."""

from __future__ import annotations

import logging
import platform
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from prometheus_client import Metric
from prometheus_client.registry import Collector

import rider_core
from rider_core.metrics import definitions
from rider_core.metrics.families import Family

log = logging.getLogger(__name__)


class MachineMetrics(Collector):
    """The disk of the data folder, and the versions."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir

    def collect(self) -> Iterable[Metric]:
        with suppress(OSError):
            disk = shutil.disk_usage(self._data_dir)
            yield definitions.DISK_FREE.metric({(): float(disk.free)})
            yield definitions.DISK_SIZE.metric({(): float(disk.total)})
        yield definitions.BUILD.metric({(rider_core.__version__, platform.python_version()): 1.0})

    def describe(self) -> Iterable[Metric]:
        return ()


class GpuMetrics(Collector):
    """NVIDIA's graphics processors, by their own library (`pip install 'rider-core[gpu]'`); empty without one."""

    def __init__(self) -> None:
        self._nvml: Any = None
        try:
            # Its own bindings; a machine without a GPU need not have them.
            self._nvml = import_module("pynvml")
            self._nvml.nvmlInit()
        except ImportError:
            log.debug("pynvml is not installed: there are no metrics of GPUs")
        except Exception as error:  # NVMLError, whose class is in the module: there is no driver
            log.debug("there are no metrics of GPUs: %s", error)
            self._nvml = None

    def collect(self) -> Iterable[Metric]:
        if self._nvml is None:
            return []
        families = (
            definitions.GPU_BUSY,
            definitions.GPU_MEMORY,
            definitions.GPU_MEMORY_SIZE,
            definitions.GPU_TEMPERATURE,
        )
        values: dict[Family, dict[tuple[str, ...], float]] = {family: {} for family in families}
        # A lost GPU, or a driver that was replaced, raises; a figure that a GPU does not have raises as well.
        with suppress(self._nvml.NVMLError):
            for number in range(self._nvml.nvmlDeviceGetCount()):
                for family, read in zip(families, self._readers(), strict=True):
                    with suppress(self._nvml.NVMLError):
                        device = self._nvml.nvmlDeviceGetHandleByIndex(number)
                        values[family][str(number),] = float(read(device))
        return [family.metric(by_gpu) for family, by_gpu in values.items() if by_gpu]

    def describe(self) -> Iterable[Metric]:
        return ()

    def _readers(self) -> tuple[Callable[[Any], float], ...]:
        """Share of time busy, bytes in use, bytes, degrees Celsius: in the order of the families."""
        nvml = self._nvml
        return (
            lambda device: nvml.nvmlDeviceGetUtilizationRates(device).gpu / 100,
            lambda device: nvml.nvmlDeviceGetMemoryInfo(device).used,
            lambda device: nvml.nvmlDeviceGetMemoryInfo(device).total,
            lambda device: nvml.nvmlDeviceGetTemperature(device, nvml.NVML_TEMPERATURE_GPU),
        )
