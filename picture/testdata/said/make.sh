#!/bin/sh
# Pictures that say who took them and where, as exiftool 12.57 writes that.
set -e
cd "$(dirname "$0")"
for file in heif/grid.heic heif/alpha.heic heif/turned.avif animated.webp lossyalpha.webp orientation6.webp; do
	cp "../$file" .
	exiftool -q -overwrite_original -Artist="Anna Muster" -GPSLatitude=47.375 -GPSLatitudeRef=N -GPSLongitude=8.5 -GPSLongitudeRef=E \
		-XMP-dc:Creator="Anna Muster" "$(basename "$file")"
done
for file in orientation6.tif bigendian.tif tiled.tif; do
	cp "../$file" .
	exiftool -q -overwrite_original -Artist="Anna Muster" -GPSLatitude=47.375 -GPSLatitudeRef=N -GPSLongitude=8.5 -GPSLongitudeRef=E \
		-XMP-dc:Creator="Anna Muster" -IPTC:City=Zurich -ExifIFD:UserComment="Anna's lake" "$file"
done
cp ../420.jpg city.jpg
exiftool -q -overwrite_original -IPTC:City=Zurich -IPTC:By-line="Anna Muster" city.jpg
cp ../420.jpg keywords.jpg
exiftool -q -overwrite_original -IPTC:Keywords=lake -IPTC:By-line="Anna Muster" keywords.jpg
cp ../heif/420.avif place.avif
exiftool -q -overwrite_original -XMP-photoshop:City=Zurich place.avif
