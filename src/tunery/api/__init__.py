"""The HTTP door: the OpenAI API over an engine.

Entry point: `app.create_app`, which `tunery.server.serve` puts behind a port. One folder an
endpoint family (`chat`, `models`), each with `routes` (HTTP), `protocol` (what travels over the
wire) and `service` (wire to engine and back).

    app = create_app(engine, api_key="secret")
"""
