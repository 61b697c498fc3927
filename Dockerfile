# ditas with ffmpeg, by which it also reads MP4, WebM and the sound of films:
#   docker build -t ditas .
#   docker run --rm -v "$PWD":/here -w /here ditas hide photo.jpg song.wav stego.wav
FROM golang:1.26-alpine AS build
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags=-s -o /ditas ./cmd/ditas
# Licences of what is linked in, which ask to be handed on with it; those of ffmpeg and the system are told by apk.
RUN mkdir /doc && cp LICENSE /doc && cp cmd/ditas/demo/ATTRIBUTION.md /doc/DEMO-ATTRIBUTION.md && sh release/licences > /doc/THIRD-PARTY-LICENCES

FROM alpine:3
RUN apk add --no-cache ffmpeg
COPY --from=build /ditas /usr/local/bin/
COPY --from=build /doc /usr/share/doc/ditas
ENTRYPOINT ["ditas"]
