# nix build 'git+file:.?dir=packaging/nix'
{
  description = "Keeps AWS sessions renewed and serves them as credential_process";

  inputs.nixpkgs.url = "nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ];
      each = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
    in
    {
      packages = each (pkgs: {
        default = pkgs.rustPlatform.buildRustPackage {
          pname = "keyfob";
          version = "0.1.0";
          src = ../..;
          cargoLock.lockFile = ../../Cargo.lock;
          cargoBuildFlags = [ "--package" "keyfob" "--package" "keyfobd" "--package" "xtask" ];
          # The acceptance tests want a home, a network and services of the machine.
          cargoTestFlags = [ "--package" "keyfob-engine" "--package" "keyfob-shared" ];
          # In place of cargo's own: programs, manual and completions.
          installPhase = ''
            runHook preInstall
            built=$(dirname "$(find target -path '*/release/keyfobd' -type f | head -n 1)")
            "$built/xtask" install --from "$built" --prefix "$out" --no-service
            rm "$out/share/keyfob/installed"
            install -D -m 644 -t "$out/lib/systemd/user" packaging/systemd/keyfobd.{service,socket}
            substituteInPlace "$out/lib/systemd/user/keyfobd.service" --replace-fail /usr/bin "$out/bin"
            runHook postInstall
          '';
          meta = {
            description = "Keeps AWS sessions renewed and serves them as credential_process";
            license = with pkgs.lib.licenses; [ mit asl20 ];
            mainProgram = "keyfob";
          };
        };
      });
    };
}
