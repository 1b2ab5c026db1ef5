"""`POST /v1/chat/completions`: one answer to a conversation, whole or streamed.

Entry point: `routes.chat_router`. `protocol` holds the request and the answer, `service` asks the
engine.
"""
