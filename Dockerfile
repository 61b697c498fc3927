# ditas with ffmpeg, by which it also reads MP4, WebM and the sound of films:
#   docker build -t ditas .
#   docker run --rm -v "$PWD":/here -w /here ditas hide photo.jpg song.wav stego.wav
FROM golang:1.26-alpine AS build
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags=-s -o /ditas ./cmd/ditas

FROM alpine:3
RUN apk add --no-cache ffmpeg
COPY --from=build /ditas /usr/local/bin/
ENTRYPOINT ["ditas"]
