"""Routes that OpenAI's clients speak: models, chat, transcriptions and speech. Start reading in `routes`.

Nothing is imported here, so that the gate in front of the panel can take the form of an error alone.
"""
