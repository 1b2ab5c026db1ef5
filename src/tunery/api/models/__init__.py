"""`GET /v1/models` and `GET /v1/models/{id}`: what this server answers for.

Entry points: `routes.models_router`, and `service.find_model` for other families that take a
model's name.
"""
