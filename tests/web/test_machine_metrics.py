"""The disk, and graphics processors by a stand-in of NVIDIA's library: there is no GPU here."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from rider_core.web.metrics.machine import GpuMetrics, MachineMetrics
from rider_core.web.minute_figures import GpuSamples


class NVMLError(Exception):
    """As in pynvml: the class is in the module."""


def nvml(devices: int, lost: int | None = None, driver: bool = True, replaced: bool = False) -> ModuleType:
    """A module with the functions of pynvml that are used, written to NVIDIA's documentation of NVML."""
    module: Any = ModuleType("pynvml")
    module.NVMLError = NVMLError
    module.NVML_TEMPERATURE_GPU = 0

    def init() -> None:
        if not driver:
            raise NVMLError("NVML Shared Library Not Found")

    def handle(number: int) -> int:
        if number == lost:
            raise NVMLError("GPU is lost")
        return number

    module.nvmlInit = init

    def count() -> int:
        if replaced:
            raise NVMLError("Driver/library version mismatch")
        return devices

    def utilization(number: int) -> SimpleNamespace:
        if number == 7:
            raise NVMLError("Not Supported")
        return SimpleNamespace(gpu=25 * (number + 1), memory=3)

    module.nvmlDeviceGetCount = count
    module.nvmlDeviceGetHandleByIndex = handle
    module.nvmlDeviceGetMemoryInfo = lambda number: SimpleNamespace(used=(number + 1) << 30, total=8 << 30, free=0)
    module.nvmlDeviceGetUtilizationRates = utilization
    module.nvmlDeviceGetTemperature = lambda number, sensor: 40 + number + sensor
    return module


def registry(monkeypatch: pytest.MonkeyPatch, module: ModuleType | None) -> CollectorRegistry:
    monkeypatch.setitem(sys.modules, "pynvml", module)  # None: importing it fails
    found = CollectorRegistry(auto_describe=False)
    found.register(GpuMetrics())
    return found


def test_each_gpu_has_its_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    found = registry(monkeypatch, nvml(2))
    assert found.get_sample_value("rider_gpu_utilization_ratio", {"gpu": "1"}) == 0.5
    assert found.get_sample_value("rider_gpu_memory_used_bytes", {"gpu": "0"}) == 1 << 30
    assert found.get_sample_value("rider_gpu_memory_bytes", {"gpu": "0"}) == 8 << 30
    assert found.get_sample_value("rider_gpu_temperature_celsius", {"gpu": "1"}) == 41


def test_a_lost_gpu_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    found = registry(monkeypatch, nvml(2, lost=0))
    assert found.get_sample_value("rider_gpu_utilization_ratio", {"gpu": "0"}) is None
    assert found.get_sample_value("rider_gpu_utilization_ratio", {"gpu": "1"}) == 0.5


def test_a_figure_that_a_gpu_does_not_have_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    found = registry(monkeypatch, nvml(8))
    assert found.get_sample_value("rider_gpu_utilization_ratio", {"gpu": "7"}) is None
    assert found.get_sample_value("rider_gpu_temperature_celsius", {"gpu": "7"}) == 47


@pytest.mark.parametrize(
    "module",
    [None, nvml(1, driver=False), nvml(1, replaced=True)],
    ids=["no bindings", "no driver", "a driver that was replaced"],
)
def test_without_a_gpu_there_are_none(monkeypatch: pytest.MonkeyPatch, module: ModuleType | None) -> None:
    assert list(registry(monkeypatch, module).collect()) == []


def test_the_disk_is_that_of_the_data_folder(tmp_path: Path) -> None:
    found = CollectorRegistry(auto_describe=False)
    found.register(MachineMetrics(tmp_path))
    assert found.get_sample_value("rider_disk_size_bytes") == shutil.disk_usage(tmp_path).total
    free = found.get_sample_value("rider_disk_free_bytes")
    assert free == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.05)


def test_a_data_folder_that_is_gone_breaks_no_scrape(tmp_path: Path) -> None:
    found = CollectorRegistry(auto_describe=False)
    found.register(MachineMetrics(tmp_path / "gone"))
    assert [metric.name for metric in found.collect()] == ["rider_build_info"]


def test_samples_of_graphics_processors_are_their_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml(2))
    gpus = GpuSamples()
    assert gpus.mean() == (None, None), "nothing was sampled yet"
    for _ in range(2):
        gpus.look()
    assert gpus.mean() == (37.5, 18.8)
    assert gpus.mean() == (None, None)
    monkeypatch.setitem(sys.modules, "pynvml", None)
    without = GpuSamples()
    without.look()
    assert without.mean() == (None, None)
