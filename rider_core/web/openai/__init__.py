"""Routes that OpenAI's clients speak: models, chat, transcriptions and speech. Start reading in `routes`.

Nothing is imported here, so that the security middleware can import `errors` alone.
"""
