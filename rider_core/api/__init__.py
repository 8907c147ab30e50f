"""All that a plugin imports, together with `rider_core.errors`."""

from rider_core.api.audio import AudioClip
from rider_core.api.events import Event
from rider_core.api.health import Health, HealthStatus
from rider_core.api.hookspecs import hookimpl
from rider_core.api.job_backend import JobBackend, QueueStats
from rider_core.api.job_transport import Delivery, JobTransport, Ticket, TicketConsumer
from rider_core.api.jobs import (
    BatchItem,
    BatchSpec,
    DeadLetter,
    JobDetails,
    JobPage,
    JobProblem,
    JobQuery,
    JobRecord,
    JobSpec,
    JobState,
    Priority,
    Progress,
    RetryPolicy,
)
from rider_core.api.messages import Message
from rider_core.api.models import ModelEntry, PackageMember, PackageSource, UrlSource
from rider_core.api.object_detection import (
    DetectedObject,
    DetectionFilter,
    Detections,
    DetectRequest,
    Frame,
    ObjectDetector,
)
from rider_core.api.object_tracking import ObjectTracker
from rider_core.api.panel import CardContent, CardRow, PanelCard, PanelPage
from rider_core.api.provider import Provider, ProviderConfig, ProviderContext
from rider_core.api.speech_to_text import Segment, SpeechToText, TranscribeRequest, Transcript
from rider_core.api.tasks import QUEUES, TASKS, Task
from rider_core.api.text_generation import (
    ChatMessage,
    GeneratedText,
    GenerateRequest,
    GenerationEnd,
    TextDelta,
    TextGenerator,
    TextStream,
    Tool,
    ToolCall,
)
from rider_core.api.text_to_speech import AudioChunk, Speech, SynthesizeRequest, TextToSpeech
from rider_core.api.version import API_VERSION

__all__ = [
    "API_VERSION",
    "QUEUES",
    "TASKS",
    "AudioChunk",
    "AudioClip",
    "BatchItem",
    "BatchSpec",
    "CardContent",
    "CardRow",
    "ChatMessage",
    "DeadLetter",
    "Delivery",
    "DetectRequest",
    "DetectedObject",
    "DetectionFilter",
    "Detections",
    "Event",
    "Frame",
    "GenerateRequest",
    "GeneratedText",
    "GenerationEnd",
    "Health",
    "HealthStatus",
    "JobBackend",
    "JobDetails",
    "JobPage",
    "JobProblem",
    "JobQuery",
    "JobRecord",
    "JobSpec",
    "JobState",
    "JobTransport",
    "Message",
    "ModelEntry",
    "ObjectDetector",
    "ObjectTracker",
    "PackageMember",
    "PackageSource",
    "PanelCard",
    "PanelPage",
    "Priority",
    "Progress",
    "Provider",
    "ProviderConfig",
    "ProviderContext",
    "QueueStats",
    "RetryPolicy",
    "Segment",
    "Speech",
    "SpeechToText",
    "SynthesizeRequest",
    "Task",
    "TextDelta",
    "TextGenerator",
    "TextStream",
    "TextToSpeech",
    "Ticket",
    "TicketConsumer",
    "Tool",
    "ToolCall",
    "TranscribeRequest",
    "Transcript",
    "UrlSource",
    "hookimpl",
]
